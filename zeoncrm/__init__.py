"""zeoncrm: a CRM that lives beside an Asterisk PBX."""

__version__ = "0.1.0"
