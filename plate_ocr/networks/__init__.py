"""The networks as torch modules; reading needs none of them."""
