"""The catalogue: 44 products and the 16 plans, 60 in all. The makers are invented, so no fact is about a real product."""

from typing import Final, Literal

from switchboard.demo.model import DemoProduct, DemoSpecification
from switchboard.demo.tariff import PLANS, DemoPlan

Value = str | int | float | bool
BOTH: Final = ("aurora", "borealis")

_UNITS: Final[dict[str, tuple[str, Literal["more", "less", ""]]]] = {
    "display": ("inch", "more"),
    "storage": ("GB", "more"),
    "memory": ("GB", "more"),
    "main camera": ("MP", "more"),
    "battery": ("mAh", "more"),
    "battery life": ("hours", "more"),
    "charging": ("W", "more"),
    "weight": ("g", "less"),
    "updates": ("years", "more"),
    "maximum speed": ("Mbit/s", "more"),
    "coverage": ("m²", "more"),
    "devices at once": ("", "more"),
    "Ethernet ports": ("", "more"),
    "output": ("W", "more"),
    "capacity": ("mAh", "more"),
    "length": ("m", "more"),
    "recording storage": ("GB", "more"),
    "data": ("GB", "more"),
    "download speed": ("Mbit/s", "more"),
    "upload speed": ("Mbit/s", "more"),
    "contract": ("months", "less"),
}


def _product(
    id: str, name: str, category: str, brand: str, price_pence: int, summary: str, specifications: dict[str, Value],
    tenants: tuple[str, ...] = BOTH, *, monthly: bool = False,
) -> DemoProduct:  # fmt: skip
    typed = tuple(DemoSpecification(key, value, *_UNITS.get(key, ("", ""))) for key, value in specifications.items())
    return DemoProduct(id, name, category, brand, price_pence, monthly, tenants, summary, typed)


def _phone(
    id: str, name: str, brand: str, price_pence: int, summary: str, *, display: float, storage: int, memory: int,
    camera: int, battery: int, charging: int, weight: int, updates: int, water: str, esim: bool = True,
    wireless: bool = False, network: str = "5G",
) -> DemoProduct:  # fmt: skip
    return _product(
        id, name, "phone", brand, price_pence, summary,
        {
            "display": display, "storage": storage, "memory": memory, "main camera": camera, "battery": battery,
            "charging": charging, "wireless charging": wireless, "weight": weight, "water resistance": water,
            "eSIM": esim, "network": network, "updates": updates,
        },
    )  # fmt: skip


_PHONES: Final = (
    _phone("kestrel-12", "Kestrel 12", "Kestrel", 69900, "Compact flagship with an even camera in every light.",
           display=6.1, storage=128, memory=8, camera=50, battery=4200, charging=30, weight=172, updates=7, water="IP68", wireless=True),
    _phone("kestrel-12-pro", "Kestrel 12 Pro", "Kestrel", 94900, "The large flagship: telephoto lens, brightest display.",
           display=6.7, storage=256, memory=12, camera=108, battery=5100, charging=45, weight=214, updates=7, water="IP68", wireless=True),
    _phone("kestrel-11", "Kestrel 11", "Kestrel", 52900, "Last year's flagship at a lower price.",
           display=6.1, storage=128, memory=8, camera=48, battery=4000, charging=25, weight=175, updates=5, water="IP68", wireless=True),
    _phone("kestrel-lite", "Kestrel Lite", "Kestrel", 37900, "Much of the Kestrel 12 with a plastic back.",
           display=6.3, storage=128, memory=6, camera=50, battery=4600, charging=25, weight=181, updates=5, water="IP54"),
    _phone("fjord-one", "Fjord One", "Fjord", 49900, "Repairable: battery and screen change with one screwdriver.",
           display=6.4, storage=256, memory=8, camera=50, battery=4500, charging=30, weight=199, updates=8, water="IP55"),
    _phone("fjord-one-mini", "Fjord One Mini", "Fjord", 44900, "The small repairable phone.",
           display=5.6, storage=128, memory=8, camera=50, battery=3800, charging=30, weight=158, updates=8, water="IP55"),
    _phone("lumen-x5", "Lumen X5", "Lumen", 32900, "The mid-range phone with the big battery.",
           display=6.6, storage=128, memory=8, camera=64, battery=5500, charging=67, weight=196, updates=4, water="IP54"),
    _phone("lumen-x5-plus", "Lumen X5 Plus", "Lumen", 39900, "More storage and a bigger display than the X5.",
           display=6.8, storage=256, memory=12, camera=108, battery=5500, charging=67, weight=208, updates=4, water="IP54"),
    _phone("lumen-a3", "Lumen A3", "Lumen", 15900, "A first smartphone that lasts two days.",
           display=6.5, storage=64, memory=4, camera=13, battery=5000, charging=15, weight=189, updates=3, water="IP52", esim=False),
    _phone("lumen-a3-4g", "Lumen A3 4G", "Lumen", 12900, "The cheapest smartphone we sell.",
           display=6.5, storage=64, memory=3, camera=13, battery=5000, charging=10, weight=187, updates=2, water="IP52", esim=False, network="4G"),
    _phone("tarn-fold-2", "Tarn Fold 2", "Tarn", 129900, "Opens into a small tablet.",
           display=7.6, storage=256, memory=12, camera=50, battery=4400, charging=25, weight=239, updates=6, water="IPX8", wireless=True),
    _phone("tarn-flip-2", "Tarn Flip 2", "Tarn", 84900, "Folds to the size of a purse.",
           display=6.7, storage=256, memory=8, camera=50, battery=3900, charging=25, weight=187, updates=6, water="IPX8", wireless=True),
    _phone("tarn-rugged-7", "Tarn Rugged 7", "Tarn", 42900, "For building sites: survives drops of two metres.",
           display=6.2, storage=128, memory=6, camera=48, battery=6200, charging=33, weight=268, updates=5, water="IP69K"),
    _phone("pebble-talk", "Pebble Talk", "Pebble", 5900, "Large keys, emergency button, calls and texts.",
           display=2.8, storage=1, memory=1, camera=2, battery=1500, charging=5, weight=118, updates=2, water="IP54", esim=False, network="4G"),
)  # fmt: skip

_TABLETS_AND_WATCHES: Final = (
    _product("kestrel-tab-11", "Kestrel Tab 11", "tablet", "Kestrel", 57900, "Tablet with pen for drawing and notes.",
             {"display": 11.0, "storage": 256, "memory": 8, "battery": 8400, "weight": 480, "network": "5G", "pen included": True, "updates": 7}),
    _product("kestrel-tab-8", "Kestrel Tab 8", "tablet", "Kestrel", 34900, "Small tablet for reading and travelling.",
             {"display": 8.3, "storage": 128, "memory": 6, "battery": 5200, "weight": 299, "network": "5G", "pen included": False, "updates": 7}),
    _product("lumen-pad", "Lumen Pad", "tablet", "Lumen", 21900, "Family tablet with profiles for children.",
             {"display": 10.4, "storage": 64, "memory": 4, "battery": 7000, "weight": 465, "network": "4G", "pen included": False, "updates": 3}),
    _product("lumen-pad-wifi", "Lumen Pad Wi-Fi", "tablet", "Lumen", 17900, "The Lumen Pad without mobile network.",
             {"display": 10.4, "storage": 64, "memory": 4, "battery": 7000, "weight": 460, "network": "Wi-Fi only", "pen included": False, "updates": 3}),
    _product("kestrel-watch-3", "Kestrel Watch 3", "watch", "Kestrel", 32900, "Smartwatch with its own eSIM.",
             {"display": 1.4, "battery life": 36, "weight": 41, "eSIM": True, "water resistance": "50 m", "updates": 4}),
    _product("lumen-band", "Lumen Band", "watch", "Lumen", 4900, "Fitness band: steps, sleep, heart rate.",
             {"display": 1.1, "battery life": 240, "weight": 23, "eSIM": False, "water resistance": "50 m", "updates": 2}),
    _product("pebble-kids-watch", "Pebble Kids Watch", "watch", "Pebble", 9900, "Calls and location for children.",
             {"display": 1.3, "battery life": 48, "weight": 44, "eSIM": True, "water resistance": "IP68", "updates": 3}),
)  # fmt: skip

_HOME: Final = (
    _product("aurora-hub-2", "Aurora Hub 2", "router", "Aurora", 6900, "The router of our Fibre 40 and Fibre 80 plans.",
             {"Wi-Fi": "Wi-Fi 6", "maximum speed": 1200, "coverage": 90, "devices at once": 64, "Ethernet ports": 4, "connection": "VDSL (FTTC)", "phone socket": True}, ("aurora",)),
    _product("aurora-hub-3-pro", "Aurora Hub 3 Pro", "router", "Aurora", 12900, "The router of Full Fibre 500.",
             {"Wi-Fi": "Wi-Fi 7", "maximum speed": 3600, "coverage": 130, "devices at once": 128, "Ethernet ports": 4, "connection": "full fibre (FTTP)", "phone socket": True}, ("aurora",)),
    _product("borealis-box-one", "Borealis Box One", "router", "Borealis", 5900, "The router of Home 36.",
             {"Wi-Fi": "Wi-Fi 6", "maximum speed": 1200, "coverage": 85, "devices at once": 50, "Ethernet ports": 3, "connection": "VDSL (FTTC)", "phone socket": True}, ("borealis",)),
    _product("borealis-box-fibre", "Borealis Box Fibre", "router", "Borealis", 13900, "The router of Home 100 and Home Gigabit.",
             {"Wi-Fi": "Wi-Fi 7", "maximum speed": 5000, "coverage": 140, "devices at once": 150, "Ethernet ports": 5, "connection": "full fibre (FTTP)", "phone socket": True}, ("borealis",)),
    _product("halo-mesh-1", "Halo Mesh (1 pack)", "mesh", "Halo", 7900, "One extra Wi-Fi point for a dead corner.",
             {"Wi-Fi": "Wi-Fi 6", "maximum speed": 1800, "coverage": 110, "devices at once": 60, "Ethernet ports": 2}),
    _product("halo-mesh-2", "Halo Mesh (2 pack)", "mesh", "Halo", 14900, "Two points for a house of three floors.",
             {"Wi-Fi": "Wi-Fi 6", "maximum speed": 1800, "coverage": 220, "devices at once": 120, "Ethernet ports": 4}),
    _product("halo-mesh-7", "Halo Mesh 7 (2 pack)", "mesh", "Halo", 24900, "Wi-Fi 7 mesh for full-fibre homes.",
             {"Wi-Fi": "Wi-Fi 7", "maximum speed": 5800, "coverage": 280, "devices at once": 200, "Ethernet ports": 4}),
    _product("halo-go-4g", "Halo Go 4G", "mobile router", "Halo", 5900, "Pocket Wi-Fi for journeys.",
             {"Wi-Fi": "Wi-Fi 5", "network": "4G", "maximum speed": 150, "devices at once": 10, "battery life": 8, "weight": 95}),
    _product("halo-go-5g", "Halo Go 5G", "mobile router", "Halo", 19900, "Fast pocket Wi-Fi for working on the road.",
             {"Wi-Fi": "Wi-Fi 6", "network": "5G", "maximum speed": 2000, "devices at once": 32, "battery life": 12, "weight": 210}),
    _product("halo-home-5g", "Halo Home 5G", "mobile router", "Halo", 29900, "Home internet where no fibre goes.",
             {"Wi-Fi": "Wi-Fi 6", "network": "5G", "maximum speed": 2600, "devices at once": 64, "Ethernet ports": 2, "weight": 640}),
    _product("vista-tv-box", "Vista TV Box", "tv", "Vista", 7900, "TV box with recording.",
             {"resolution": "4K HDR", "recording storage": 500, "tuners": 2, "Wi-Fi": "Wi-Fi 6", "Ethernet ports": 1}),
    _product("vista-tv-box-pro", "Vista TV Box Pro", "tv", "Vista", 14900, "Records four programmes at once.",
             {"resolution": "4K HDR", "recording storage": 2000, "tuners": 4, "Wi-Fi": "Wi-Fi 6", "Ethernet ports": 1}),
    _product("vista-stick", "Vista Stick", "tv", "Vista", 3900, "Streaming stick for the second television.",
             {"resolution": "4K HDR", "recording storage": 0, "tuners": 0, "Wi-Fi": "Wi-Fi 5", "Ethernet ports": 0}),
)  # fmt: skip

_ACCESSORIES: Final = (
    _product("case-kestrel-12", "Kestrel 12 Case", "accessory", "Kestrel", 2900, "Slim case of recycled plastic.",
             {"fits": "Kestrel 12", "material": "recycled polycarbonate", "weight": 28}),
    _product("case-lumen-x5", "Lumen X5 Case", "accessory", "Lumen", 1900, "Case with a card pocket.",
             {"fits": "Lumen X5", "material": "silicone", "weight": 34}),
    _product("glass-universal", "ClearShield Glass", "accessory", "ClearShield", 1500, "Screen glass, cut for your phone in the shop.",
             {"fits": "any phone from 5 to 7 inch", "material": "tempered glass", "weight": 9}),
    _product("charger-30", "Volt Charger 30", "accessory", "Volt", 1900, "Small USB-C charger.",
             {"output": 30, "USB-C ports": 1, "weight": 52}),
    _product("charger-67", "Volt Charger 67", "accessory", "Volt", 3500, "Charges a phone and a laptop together.",
             {"output": 67, "USB-C ports": 2, "weight": 118}),
    _product("powerbank-10", "Volt Power Bank 10", "accessory", "Volt", 2900, "Two full charges in a pocket.",
             {"capacity": 10000, "output": 20, "weight": 205}),
    _product("powerbank-20", "Volt Power Bank 20", "accessory", "Volt", 4500, "A weekend without a socket.",
             {"capacity": 20000, "output": 45, "weight": 398}),
    _product("buds-lite", "Lumen Buds Lite", "accessory", "Lumen", 3900, "Wireless earphones.",
             {"battery life": 24, "noise cancelling": False, "water resistance": "IPX4", "weight": 46}),
    _product("buds-pro", "Kestrel Buds Pro", "accessory", "Kestrel", 14900, "Earphones with noise cancelling.",
             {"battery life": 30, "noise cancelling": True, "water resistance": "IPX5", "weight": 51}),
    _product("ethernet-cable-10", "Ethernet Cable 10 m", "accessory", "Halo", 1200, "Flat Cat 6 cable.",
             {"length": 10, "standard": "Cat 6"}),
)  # fmt: skip


def _plan(plan: DemoPlan) -> DemoProduct:
    if plan.kind == "mobile":
        specifications: dict[str, Value] = {
            "data": plan.data_gb if plan.data_gb is not None else "unlimited",
            "network": plan.network,
            "calls and texts": "unlimited in the UK",
            "Europe roaming included": plan.europe_roaming_included,
            "contract": plan.contract_months,
        }
        amount = f"{plan.data_gb} GB" if plan.data_gb is not None else "unlimited data"
        summary = f"Mobile plan with {amount}, {plan.network}, unlimited UK calls and texts."
    else:
        specifications = {
            "download speed": plan.download_mbps,
            "upload speed": plan.upload_mbps,
            "connection": "full fibre (FTTP)" if plan.network == "FTTP" else "VDSL (FTTC)",
            "data": "unlimited",
            "contract": plan.contract_months,
        }
        summary = f"Broadband with {plan.download_mbps} Mbit/s download and unlimited data."
    return _product(
        plan.id, plan.name, f"{plan.kind} plan", plan.name.split()[0], plan.price_pence, summary, specifications,
        (plan.tenant,), monthly=True,
    )  # fmt: skip


PRODUCTS: Final = (*_PHONES, *_TABLETS_AND_WATCHES, *_HOME, *_ACCESSORIES, *(_plan(plan) for plan in PLANS))
PRODUCT_BY_ID: Final = {product.id: product for product in PRODUCTS}
