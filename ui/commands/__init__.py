"""The commands, one module a group: flags, run, JSON, text."""
