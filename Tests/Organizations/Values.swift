import SharedDomain

/// Ids of a test: the same number, the same id; ids of one kind sort by their number.
func unique(_ kind: UInt64, _ number: Int) -> UniqueID {
  UniqueID(
    at: Instant(microseconds: 1_767_000_000_000_000 + Int64(number) * 1000), random: kind,
    moreRandom: UInt64(truncatingIfNeeded: number))
}

func user(_ number: Int) -> UserID { UserID(unique(1, number)) }
func session(_ number: Int) -> SessionID { SessionID(unique(2, number)) }
func organization(_ number: Int) -> OrganizationID { OrganizationID(unique(3, number)) }
func product(_ number: Int) -> ProductID { ProductID(unique(4, number)) }
