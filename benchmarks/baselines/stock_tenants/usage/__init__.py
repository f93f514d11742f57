"""What each tenant of the stock project has: the product's tenant-owned tables."""
