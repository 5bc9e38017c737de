"""The same project on dbt-snowflake, as far as fakesnow can prove it."""
