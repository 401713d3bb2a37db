"""The command line: each command in its module, found by entry point."""
