"""The tenants of the stock project."""
