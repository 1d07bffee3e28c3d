"""What comes in: checked, converted, watched for freshness."""
