"""Destinations of type `files`: audiences as files of CSV or Parquet in a folder, on an SFTP server or in S3."""
