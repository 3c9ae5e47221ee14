"""The source of prices: a stand-in for an exchange, as small as it can be."""
