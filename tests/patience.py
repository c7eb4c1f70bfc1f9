"""How long a test waits for what must come."""

# Seconds. Nothing is measured by it: a machine that is busy with other things is slow, and only what never comes fails.
PATIENCE = 60.0
