"""The demo company: two brands, 300 customers, two years of invoices, all from one seed."""
