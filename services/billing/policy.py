"""The company's rules about invoices, payments and refunds: what the tools apply and the articles state. Amounts are pence."""

from typing import Final

SUSPENSION_DAYS: Final = 30
"""Outgoing calls and data are paused when an invoice is more than 30 days overdue."""
EARLY_EXIT_PERCENT: Final = 60
"""Leaving within the contract costs 60 % of the plan's price for each month that is left."""
UNRETURNED_ROUTER_FEE_PENCE: Final = 5000
OUTAGE_CREDIT_AFTER_WORKING_DAYS: Final = 2
"""So many working days of a total loss of service are not paid for."""
DUPLICATE_WINDOW_DAYS: Final = 10
"""Two settled payments of the same amount for the same invoice within 10 days: the later one is a duplicate."""
REFUND_AUTOMATIC_MAX_PENCE: Final = 5000
"""Refunds up to £50 in total within 30 days are accepted at once; above that a colleague approves."""
REFUND_AUTOMATIC_WINDOW_DAYS: Final = 30
REFUND_REQUEST_MAX_DAYS: Final = 180
"""A payment can be refunded for 180 days after it was made."""
REFUND_PAID_WITHIN_WORKING_DAYS: Final = 5
REFUND_APPROVAL_WORKING_DAYS: Final = 2
