"""What customers will buy: BG/NBD and Gamma-Gamma, fitted, scored and held out."""
