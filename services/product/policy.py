"""The company's rules about what it sells, as the articles state them."""

from typing import Final

RETURN_DAYS: Final = 14
"""Products can be returned within 14 days of delivery; the plan's cooling-off period is the same."""
WARRANTY_MONTHS: Final = 24
ROAMING_DATA_LIMIT_GB: Final = 25
"""How much of the plan's data may be used in a month with Europe day passes."""
