-- name: clock
-- What time does the database think it is, and what is it?
SELECT now() AS now, current_setting('server_version') AS version;
