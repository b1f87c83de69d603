"""The company's rules about faults and visits: what the tools apply and the articles state. Amounts are pence."""

from typing import Final

MINIMUM_SPEED_PERCENT: Final = 60
"""Below 60 % of the plan's speed for 30 days the customer may leave without a fee."""
ENGINEER_WITHIN_WORKING_DAYS: Final = 2
ENGINEER_VISIT_FEE_PENCE: Final = 6000
"""Only when the fault is in the customer's own equipment or wiring; otherwise a visit is free."""
MISSED_APPOINTMENT_FEE_PENCE: Final = 2500

LED_MEANINGS: Final = {
    "solid green": "online and working",
    "blinking green": "starting up or updating its firmware (do not switch it off)",
    "blinking amber": "synchronising with the line",
    "solid amber": "the line is up, but the router cannot log in to the network",
    "blinking red": "loss of signal: no signal arrives on the line",
    "solid red": "a hardware fault in the router",
    "blinking blue": "waiting for a device to pair (WPS)",
    "off": "no power, or the lights were switched off in the settings",
}
"""State of the broadband light on every router we hand out, and what it means."""
