import CaseFormat
import Dispatch
import NumberFormats
import Operations

/// What a kernel was seen to do, one thing at a time: each way to compute against its neighbours.
struct IdentificationProperties {
  private let operation: any Operations.Operation.Type
  private let observations: [Observation]
  private let candidates: [Candidate]
  private let jobs: Int
  /// So many elements of each kind, and so many observations, are compared with variations.
  private static let perKind = 3
  private static let mostElements = 160
  private static let mostObservations = 40
  private static let mostGrid = 160

  init(
    _ operation: any Operations.Operation.Type, _ observations: [Observation],
    _ candidates: [Candidate], jobs: Int
  ) {
    (self.operation, self.observations) = (operation, observations)
    (self.candidates, self.jobs) = (candidates, jobs)
  }

  /// Fills in the formula and the properties of a function.
  func describe(_ function: inout Identification.Function) {
    let plain = main.filter { $0.probe.test.attributes["axis"] == nil }
    let channel = main.filter { $0.probe.test.attributes["axis"] != nil }
    let base = plain.isEmpty ? channel : plain
    if let best = best(of: base) {
      function.formula = best.formula
      function.properties += properties(best)
      if !plain.isEmpty, let other = self.best(of: channel) {
        // Per channel may be another function.
        let known = Set(function.properties.map { $0.name + $0.value })
        function.properties += properties(other).filter { !known.contains($0.name + $0.value) }
          .map { property in
            var property = property
            property.name += " per channel"
            return property
          }
      }
    }
    function.properties += SpecialValues(base).properties
  }

  /// The observations that show the arithmetic best: narrow outputs, without rarer attributes.
  private var main: [Observation] {
    let rare: Set<String> = ["learnable", "bit_width"]
    let plain = observations.filter { observation in
      rare.isDisjoint(with: observation.probe.test.attributes.keys)
        && observation.outputs.allSatisfy { $0.dtype.bits <= 8 || operation.name != "quantize" }
    }
    return plain.isEmpty ? observations : plain
  }

  // MARK: The best way

  /// The variation that agrees best, with what it was compared on.
  private struct Best {
    let family: VariationFamily
    let choices: [Int]
    let score: Score
    let observations: [Observation]

    /// The way to compute, for people.
    var formula: (text: String, disagreements: Int, answers: Int) {
      let phrases = zip(family.axes, choices).map { "\($0.name) \($0.options[$1].phrase)" }
      let text = ([family.title] + phrases).filter { !$0.isEmpty }.joined(separator: "; ")
      return (text, score.disagreed, score.agreed + score.disagreed)
    }
  }

  private func best(of observations: [Observation]) -> Best? {
    let reduced = telling(Array(observations.prefix(Self.mostObservations)))
    guard !reduced.isEmpty else { return nil }
    var best: Best?
    for family in VariationFamily.all(of: operation.name) {
      guard let found = search(family, reduced) else { continue }
      if best.map({ cost(found.score) < cost($0.score) }) ?? true { best = found }
    }
    return best
  }

  private func cost(_ score: Score) -> Int { score.disagreed + score.undefined }

  private func score(
    _ family: VariationFamily, _ choices: [[Int]], _ observations: [Observation]
  ) -> [Score?] {
    WorkerPool.map(choices, jobs: jobs) { choice -> Score? in
      guard let dialect = family.dialect(choice) else { return nil }
      let candidate = Candidate(name: "variation", dialect: dialect)
      return observations.map { $0.score(candidate) }.reduce(Score(), +)
    }
  }

  /// All combinations of a small family on a few observations, then the best of them on all; of a
  /// large one, the best choice on each axis in turn, until nothing gets better.
  private func search(_ family: VariationFamily, _ observations: [Observation]) -> Best? {
    var starts = [family.axes.map { _ in 0 }]
    if family.combinations.count <= Self.mostGrid {
      let all = family.combinations
      let first = score(family, all, Array(observations.prefix(4)))
      let ranked = zip(all, first).compactMap { choice, score in score.map { (choice, cost($0)) } }
        .sorted { $0.1 < $1.1 }
      starts = ranked.prefix(4).map(\.0)
    }
    var best: (choices: [Int], score: Score)?
    for start in starts {
      guard var current = score(family, [start], observations)[0].map({ (start, $0) }) else {
        continue
      }
      while cost(current.1) > 0 {
        let moves = family.neighbours(of: current.0).map(\.choices)
        // Where no one change is better, two at once may be: a second rounding with its rule.
        guard
          let better = improvement(on: current, moves, family, observations)
            ?? improvement(
              on: current, moves.flatMap { family.neighbours(of: $0).map(\.choices) }, family,
              observations)
        else { break }
        current = better
      }
      if best.map({ cost(current.1) < cost($0.score) }) ?? true { best = current }
    }
    guard let best, best.score.agreed > 0 else { return nil }
    return Best(
      family: family, choices: best.choices, score: best.score, observations: observations)
  }

  /// The best of some choices, where it is better than what there is.
  private func improvement(
    on current: ([Int], Score), _ choices: [[Int]], _ family: VariationFamily,
    _ observations: [Observation]
  ) -> ([Int], Score)? {
    let distinct = Set(choices).subtracting([current.0]).sorted { $0.lexicographicallyPrecedes($1) }
    let best = zip(distinct, score(family, distinct, observations))
      .compactMap { choice, score in score.map { (choice, $0) } }
      .min { cost($0.1) < cost($1.1) }
    return best.flatMap { cost($0.1) < cost(current.1) ? $0 : nil }
  }

  // MARK: Telling elements

  /// The elements on which ways to compute differ, a few of each kind.
  ///
  /// Two elements are of a kind where the same ways agree on both.
  private func telling(_ observations: [Observation]) -> [Observation] {
    let ways = candidates + quickVariations
    return WorkerPool.map(observations, jobs: jobs) { observation -> Observation in
      guard observation.probe.input != nil else { return observation }
      let answers = ways.compactMap { $0.expectations(observation.probe.test) }
      var seen: [[Int]: Int] = [:]
      var chosen: [Int] = []
      for element in 0..<observation.probe.count where chosen.count < Self.mostElements {
        let kind = observation.outputs.flatMap { output, _ in
          Self.partition(answers.map { $0[output]?.code(at: element) })
        }
        // Where all agree a few are enough, to see that the kernel does too.
        let limit = Set(kind).count <= 2 ? 2 * Self.perKind : Self.perKind
        if seen[kind, default: 0] < limit {
          seen[kind, default: 0] += 1
          chosen.append(element)
        }
      }
      return observation.restricted(to: chosen)
    }
  }

  /// Which answers are the same, numbered in the order in which they come; -1 is open.
  private static func partition(_ codes: [Int64?]) -> [Int] {
    var numbers: [Int64: Int] = [:]
    return codes.map { code in
      guard let code else { return -1 }
      if let known = numbers[code] { return known }
      numbers[code] = numbers.count
      return numbers.count - 1
    }
  }

  /// One step from the first choices: enough to see where ways differ, and quick.
  private var quickVariations: [Candidate] {
    VariationFamily.all(of: operation.name).flatMap { family in
      family.neighbours(of: family.axes.map { _ in 0 }).compactMap { neighbour in
        family.dialect(neighbour.choices).map { Candidate(name: "variation", dialect: $0) }
      }
    }
  }

  // MARK: Properties

  /// Each choice of the best way against the other choices on its axis.
  private func properties(_ best: Best) -> [Identification.Property] {
    guard let dialect = best.family.dialect(best.choices) else { return [] }
    let winner = Candidate(name: "the best", dialect: dialect)
    var properties: [Identification.Property] = []
    for (axis, choice) in best.choices.enumerated() {
      let neighbours = best.family.neighbours(of: best.choices).filter { $0.axis == axis }
      let contests = WorkerPool.map(neighbours.map(\.choices), jobs: jobs) { choices -> Contest? in
        guard let dialect = best.family.dialect(choices) else { return nil }
        let phrase = best.family.axes[axis].options[choices[axis]].phrase
        return Contest(winner, Candidate(name: phrase, dialect: dialect), best.observations)
      }.compactMap { $0 }
      let phrase = best.family.axes[axis].options[choice].phrase
      let telling = contests.filter { $0.total > 0 }
      // What no answer tells apart is not known.
      let same = contests.filter { $0.total == 0 }.map(\.other.name)
      guard let closest = telling.min(by: { $0.total < $1.total }) else { continue }
      properties.append(
        Identification.Property(
          name: best.family.axes[axis].name,
          value: same.isEmpty ? phrase : "\(phrase) (or \(same.joined(separator: ", or ")))",
          support: "\(closest.won) of \(closest.total) answers that tell it from "
            + closest.other.name,
          witness: closest.witness))
    }
    return properties
  }
}

/// Two ways to compute on the answers of a kernel: where they differ, which is right.
private struct Contest: Sendable {
  let other: Candidate
  private(set) var won = 0
  private(set) var total = 0
  private(set) var witness: Identification.Evidence?

  init(_ winner: Candidate, _ other: Candidate, _ observations: [Observation]) {
    self.other = other
    for observation in observations {
      guard let mine = winner.expectations(observation.probe.test),
        let theirs = other.expectations(observation.probe.test)
      else { continue }
      for (index, output) in observation.outputs.enumerated() {
        guard let a = mine[output.name], let b = theirs[output.name] else { continue }
        for (element, code) in observation.given[index].enumerated() {
          guard let left = a.code(at: element), let right = b.code(at: element), left != right,
            !b.agrees(left, at: element)
          else { continue }
          total += 1
          guard a.agrees(code, at: element) else { continue }
          won += 1
          if witness == nil {
            witness = observation.evidence(index, element, against: other)
          }
        }
      }
    }
  }
}

extension Expectation {
  /// The one code that is expected; nil where it is open or an interval.
  fileprivate func code(at index: Int) -> Int64? {
    if isUnspecified(at: index) || !upper.isEmpty && upper[index] != tensor.codes[index] {
      return nil
    }
    return tensor.codes[index]
  }
}
