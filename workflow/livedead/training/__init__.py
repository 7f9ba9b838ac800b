"""From dyed wells to a network: class maps, tiles, the fit, and its evaluation."""
