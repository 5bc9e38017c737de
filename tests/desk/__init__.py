"""The change desk: requests, their checks, and what accepting one writes."""
