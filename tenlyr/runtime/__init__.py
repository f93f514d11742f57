"""One command to a running product: embedded servers, set-up and the supervision of every
process.
"""
