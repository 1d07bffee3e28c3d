"""Tables in files or at addresses: CSV and Parquet."""
