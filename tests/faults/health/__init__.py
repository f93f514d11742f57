"""Done 1 and 6 of health, alerts and webhooks: the documented statuses and events, and no fault
doubles or loses one.
"""
