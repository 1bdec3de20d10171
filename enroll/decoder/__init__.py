"""Photos that anybody may have sent, opened by a child process with limits and without rights.

`parent` starts the child and asks it, `child` answers, `wire` is what they say. In the child, `sandbox` gives its
rights away and `picture` opens a photo, with `heif`, `webp` and `shrinking` where Pillow would take too much memory.
"""
