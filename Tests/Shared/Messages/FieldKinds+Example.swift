import TestingAPI

extension FieldKinds {
  /// A value in every field, with extremes and non-ASCII text.
  static var example: FieldKinds {
    FieldKinds(
      int32Value: .min, int64Value: .min, uint32Value: .max, uint64Value: .max,
      sint32Value: .min, sint64Value: .min, boolValue: true, colour: .infrared, size: .large,
      fixed32Value: .max, fixed64Value: .max, sfixed32Value: .min, sfixed64Value: .min,
      floatValue: -0.5, doubleValue: .greatestFiniteMagnitude, text: "Zürich 👩‍🚀", data: [0, 255, 0],
      inner: Inner(number: -1, text: "inner", labels: ["a", "", "ß"]),
      int32List: [0, -1, .max, .min], sint64List: [.min, 0, .max], boolList: [true, false, true],
      colourList: [.red, .default, ._3d, .unrecognized(77), .unrecognized(-9)],
      fixed32List: [1, .max], doubleList: [0, -0.25, .infinity], textList: ["", "x", "日本"],
      dataList: [[], [0], [1, 2, 3]], innerList: [Inner(), Inner(number: 7)],
      unpackedList: [1, -1, 300], textMap: ["": "empty", "b": "", "a": "z"],
      innerMap: [-1: Inner(text: "x"), 5: Inner()], colourMap: [true: .red, false: .unspecified],
      dataMap: ["k": [9], "none": []], choice: .chosenInner(Inner(labels: ["l"])), default: "d",
      protocol: "p", in: "i", self_: "s", arena: "ar", memory: "m", c: "c", requestID: "r",
      productIDs: ["p1", "p2"], callbackURL: "https://example.org", createdAtUs: 1, farAway: -1)
  }
}
