"""The only SQL: each module beside the .sql file it runs, every statement naming the establishment."""
