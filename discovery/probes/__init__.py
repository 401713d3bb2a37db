"""Station 1, asking: each probe plans questions and reads answers; only the safety gate holds a socket."""
