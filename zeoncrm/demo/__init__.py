"""`zeoncrm demo`: the whole program with sample data and a PBX that is simulated."""
