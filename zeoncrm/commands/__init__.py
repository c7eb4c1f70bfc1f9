"""What the command line does, a module each."""
