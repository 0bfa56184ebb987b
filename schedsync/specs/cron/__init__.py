"""Cron expressions: what they may say (``fields``), on which days (``days``), and when by a clock (``local_day``)."""
