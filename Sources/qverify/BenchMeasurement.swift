import Kernels

/// What a workload gave on one tier.
struct BenchResult {
  var workload: BenchWorkload
  var tier: Tier
  /// Why it was not measured.
  var refusal: String?
  /// The rows that were measured; fewer than the workload's where all would have taken too long.
  var rows = 0
  var callsPerMeasurement = 0
  /// Elements or multiply-accumulates per second, one for each repeat.
  var rates: [Double] = []
  /// The ceiling of the same repeat, in the same unit: the peak of the tier's dot products, or the
  /// elements per second that a copy of the same bytes amounts to.
  var ceilings: [Double] = []
  /// Elements per second that the bare reads and writes of the same bytes amount to.
  var moves: [Double] = []
  /// The scalar tier in the same repeat.
  var scalarRates: [Double] = []

  var rate: BenchSummary? { BenchSummary(rates) }
  var ceiling: BenchSummary? { BenchSummary(ceilings) }
  var share: BenchSummary? { Self.ratio(rates, ceilings) }
  var shareOfMoves: BenchSummary? { Self.ratio(rates, moves) }
  var ratioToScalar: BenchSummary? { Self.ratio(rates, scalarRates) }

  /// Bytes read and written by the kernel for each element.
  var bytesPerElement: Double? { workload.traffic.map { Double($0.bytes) } }

  private static func ratio(_ values: [Double], _ bases: [Double]) -> BenchSummary? {
    values.count == bases.count ? BenchSummary(zip(values, bases).map { $0 / $1 }) : nil
  }
}

extension BenchWorkload.Traffic {
  /// Bytes per element, passes counted.
  var bytes: Int { read * passes + written }
}

/// Times workloads: each repeat goes through the ceilings and all tiers, so that what drifts slower
/// than a repeat drops out of every ratio.
struct BenchMeasurement {
  let tiers: [Tier]
  let repeats: Int
  /// How long one measurement should take.
  let seconds: Double
  private let memory = BenchMemory()
  /// Work that would take this many times as long as wanted is cut.
  private static let patience = 4.0

  init(tiers: [Tier], repeats: Int, seconds: Double) {
    (self.tiers, self.repeats, self.seconds) = (tiers, repeats, seconds)
  }

  /// The tier with the widest loads and stores.
  private static let widest = [Tier.avx512vnni, .avx512, .avx2].first(where: \.isAvailable)

  func run(_ workload: BenchWorkload) -> [BenchResult] {
    workload.setUp(memory)
    var results: [BenchResult] = []
    var probes: [(kernel: BenchProbe, peak: BenchProbe?)?] = []
    for tier in tiers {
      var result = BenchResult(workload: workload, tier: tier)
      do throws(KernelError) {
        result.rows = try affordableRows(workload, tier)
        let kernel = try BenchProbe(
          units: Double(result.rows * workload.unitsPerRow), seconds: seconds,
          try workload.make(tier, result.rows, memory))
        result.callsPerMeasurement = kernel.calls
        probes.append((kernel, try peak(workload, tier)))
      } catch {
        result.refusal = "\(error)"
        probes.append(nil)
      }
      results.append(result)
    }
    let scalar = tiers.firstIndex(of: .scalar)
    do throws(KernelError) {
      let (copies, moves) = (try copies(workload), try moves(workload))
      for _ in 0..<repeats {
        let copy = try best(copies)
        let move = try best(moves)
        for (index, probe) in probes.enumerated() {
          guard let probe else { continue }
          if let peak = probe.peak { results[index].ceilings.append(try peak.rate()) }
          if let copy { results[index].ceilings.append(copy) }
          if let move { results[index].moves.append(move) }
          results[index].rates.append(try probe.kernel.rate())
        }
      }
    } catch {
      for index in results.indices { results[index].refusal = "\(error)" }
    }
    if let scalar, results[scalar].refusal == nil {
      for index in results.indices { results[index].scalarRates = results[scalar].rates }
    }
    return results
  }

  /// All rows, or as many as patience allows.
  private func affordableRows(_ workload: BenchWorkload, _ tier: Tier) throws(KernelError) -> Int {
    let few = workload.rows / 32
    // Small things are quick on any tier.
    if few == 0 || workload.rows * workload.unitsPerRow < 1 << 20 { return workload.rows }
    let body = try workload.make(tier, few, memory)
    let time = min(try BenchProbe.seconds(body), try BenchProbe.seconds(body))
    let whole = time / Double(few) * Double(workload.rows)
    if whole <= Self.patience * seconds { return workload.rows }
    // Cuts are multiples of 8 rows, to leave no tiles half full.
    let affordable = Int(Double(workload.rows) * Self.patience * seconds / whole) / 8 * 8
    return min(workload.rows, max(8, affordable))
  }

  // MARK: Ceilings

  private func best(_ probes: [BenchProbe]) throws(KernelError) -> Double? {
    var best: Double?
    for probe in probes { best = max(best ?? 0, try probe.rate()) }
    return best
  }

  /// The peak of the instructions that the tier's products use.
  private func peak(_ workload: BenchWorkload, _ tier: Tier) throws(KernelError) -> BenchProbe? {
    let iterations: UInt64 = 10_000
    let macs = Ceiling.dotProducts(tier: tier, iterations: iterations)
    guard workload.unit == .macs, macs > 0 else { return nil }
    return try BenchProbe(units: Double(macs), seconds: seconds) {
      _ = Ceiling.dotProducts(tier: tier, iterations: iterations)
    }
  }

  /// Copies from one buffer to another, together as large as those of the kernel.
  ///
  /// Their unit is elements of the kernel: as many as it would handle for the same number of bytes.
  private func copies(_ workload: BenchWorkload) throws(KernelError) -> [BenchProbe] {
    guard let traffic = workload.traffic else { return [] }
    let half = max(1, workload.rows * (traffic.read + traffic.written) / 2)
    let from = memory.bytes(.input, half)
    let to = memory.mutable(.output, half)
    let units = Double(2 * half) / Double(traffic.bytes)
    var probes = [
      try BenchProbe(units: units, seconds: seconds) { Ceiling.copy(to: to, from: from) }
    ]
    if let widest = Self.widest {
      probes.append(
        try BenchProbe(units: units, seconds: seconds) { () throws(KernelError) in
          try Ceiling.plainCopy(tier: widest, to: to, from: from)
        })
    }
    return probes
  }

  /// The same reads and writes as the kernel's, without the arithmetic: what one side has less is
  /// copied, the rest is only read, or only written.
  private func moves(_ workload: BenchWorkload) throws(KernelError) -> [BenchProbe] {
    guard let traffic = workload.traffic, let widest = Self.widest else { return [] }
    let count = workload.rows
    let both = min(traffic.read, traffic.written)
    let x = memory.bytes(.input, count * traffic.read)
    let y = memory.mutable(.output, count * traffic.written)
    let read = UnsafeRawBufferPointer(rebasing: x[(count * both)...])
    let written = UnsafeMutableRawBufferPointer(rebasing: y[(count * both)...])
    func probe(_ copy: @escaping BenchProbe.Body) throws(KernelError) -> BenchProbe {
      try BenchProbe(units: Double(count), seconds: seconds) { () throws(KernelError) in
        for _ in 1..<traffic.passes { _ = Ceiling.read(tier: widest, x) }
        try copy()
        if !read.isEmpty { _ = Ceiling.read(tier: widest, read) }
        if !written.isEmpty { written.initializeMemory(as: UInt8.self, repeating: 1) }
      }
    }
    return [
      try probe { Ceiling.copy(to: y, from: x) },
      try probe { () throws(KernelError) in
        try Ceiling.plainCopy(
          tier: widest, to: UnsafeMutableRawBufferPointer(rebasing: y[..<(count * both)]),
          from: UnsafeRawBufferPointer(rebasing: x[..<(count * both)]))
      },
    ]
  }
}
