"""Where people and programs ask: the HTTP service, its jobs and the command line."""
