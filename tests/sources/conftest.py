"""The servers, and the databases, that the tests of sources read."""

from tests.sources.servers import mariadb, place, postgres

__all__ = ["mariadb", "place", "postgres"]
