"""Each SDK's buffer at volume, while the server that it sends to is killed."""
