"""What all pages share: templates, scripts, colours, charts, and clips as data for a browser."""
