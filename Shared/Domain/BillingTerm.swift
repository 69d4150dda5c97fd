/// How a product's paid time is counted: an anchor, the months elapsed since, and the months per
/// period (ACC-7).
///
/// Every end is computed from the anchor, so that a product begun on the 31st returns to the 31st
/// after a short month: 01-31, 02-28, 03-31.
package struct BillingTerm: Sendable, Hashable {
  /// The first day of the first period at the present billing period.
  package let anchor: CalendarDate
  /// Months from the anchor to the current period's start.
  package let monthsElapsed: Int
  /// Months per period.
  package let period: BillingPeriod

  package init(anchor: CalendarDate, monthsElapsed: Int, period: BillingPeriod) {
    self.anchor = anchor
    self.monthsElapsed = monthsElapsed
    self.period = period
  }

  /// A first period that begins on `start`.
  package init(startingOn start: CalendarDate, period: BillingPeriod) {
    self.init(anchor: start, monthsElapsed: 0, period: period)
  }

  /// The current period's first day.
  package var start: CalendarDate { anchor.adding(months: monthsElapsed) }

  /// The day after the current period's last day; also the next period's first.
  package var end: CalendarDate { anchor.adding(months: monthsElapsed + period.months) }

  /// The first day on which a change to a shorter period is allowed (ACC-7).
  package var shorteningWindowOpens: CalendarDate {
    anchor.adding(months: monthsElapsed + period.months - 1)
  }

  /// The term after one renewal at the same billing period: it begins at the old end (ACC-3).
  package var renewed: BillingTerm {
    BillingTerm(
      anchor: anchor, monthsElapsed: monthsElapsed + period.months, period: period)
  }
}

/// A billing period in whole months, 1 to 120.
package struct BillingPeriod: Sendable, Hashable {
  package let months: Int

  /// The period of the given length, or nil outside 1 to 120 months.
  package init?(months: Int) {
    guard (1...120).contains(months) else { return nil }
    self.months = months
  }
}
