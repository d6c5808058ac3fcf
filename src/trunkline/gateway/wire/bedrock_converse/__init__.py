"""Converse of AWS Bedrock."""
