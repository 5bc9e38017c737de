"""Predictions: the fit against published figures, the scoring in SQL against scipy."""
