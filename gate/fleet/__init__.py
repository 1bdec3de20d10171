"""The gate's side of many gates with one register: what comes from the centre, and what the gate tells it.

Nothing here is asked before a door opens. A gate without a centre starts none of it.
"""
