"""What checks emails from outside: a mail server, and a library that reads the events of email senders."""
