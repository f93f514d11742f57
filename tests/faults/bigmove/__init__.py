"""Done 1 of the moves in one piece: a large tenant moves up twice while it works."""
