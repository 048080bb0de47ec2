"""Every kind of product the demo shop sells."""

from __future__ import annotations

from server.demo.kinds.bags import BAGS
from server.demo.kinds.base import Kind
from server.demo.kinds.bottoms import BOTTOMS
from server.demo.kinds.furniture import FURNITURE
from server.demo.kinds.kitchen import KITCHEN
from server.demo.kinds.shoes import SHOES
from server.demo.kinds.tops import TOPS
from server.demo.kinds.toys import TOYS

ALL_KINDS: dict[str, Kind] = {kind.name: kind for kind in (*TOPS, *BOTTOMS, *SHOES, *BAGS, *KITCHEN, *FURNITURE, *TOYS)}
