"""The provider's stand-in: it says what the provider's pages say, and knows nothing of how this wallet reads them."""
