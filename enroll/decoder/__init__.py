"""Photos opened in a child process with limits and without rights; what it answers is checked like any stranger's."""
