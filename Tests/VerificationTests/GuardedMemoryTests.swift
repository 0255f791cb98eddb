import Testing
import Verification

struct GuardedMemoryTests {
  private static let patience = Duration.seconds(10)
  private static let sizes = [0, 1, 3, 1000, 4095, 4096, 4097, 20_000]
  private static let gaps = [0, 1, 7, 64]

  private static var placements: [GuardedMemory.Placement] {
    gaps.map { .beforeGuard(slack: $0) } + gaps.map { .afterGuard(offset: $0) }
  }

  /// Calls `body` with every buffer of the table, in one pool, with resets in between.
  private func withEveryBuffer(
    _ body: (GuardedMemory, GuardedMemory.Buffer, GuardedMemory.Placement) -> Void
  ) {
    let memory = GuardedMemory()
    for placement in Self.placements {
      for size in Self.sizes {
        memory.reset()
        body(memory, memory.buffer(byteCount: size, placement: placement), placement)
      }
    }
  }

  /// Changes a byte at a distance as `Neighbor` counts them: by canary or by fault, how far away the
  /// pool says it was.
  private func distanceFound(
    afterWriteAt distance: Int, of buffer: GuardedMemory.Buffer, in memory: GuardedMemory
  ) -> Int? {
    let target = buffer.pointer + (distance > 0 ? buffer.byteCount + distance - 1 : distance)
    let result = GuardedCall.run(timeout: Self.patience) {
      target.storeBytes(of: target.load(as: UInt8.self) ^ 0xFF, as: UInt8.self)
    }
    switch result {
    case .returned: return memory.canaryDamage(of: buffer)
    case .crashed("SIGSEGV", let address?):
      #expect(address == UInt(bitPattern: target))
      #expect(memory.distance(of: address)?.buffer == buffer.index)
      return memory.distance(of: address)?.distance
    default: return nil
    }
  }

  @Test func placementIsHonoured() {
    let page = UInt(GuardedMemory.pageSize)
    withEveryBuffer { _, buffer, placement in
      #expect(buffer.index == 0)
      switch placement {
      case .beforeGuard(let slack):
        #expect(UInt(bitPattern: buffer.pointer + buffer.byteCount + slack) % page == 0)
      case .afterGuard(let offset): #expect(UInt(bitPattern: buffer.pointer - offset) % page == 0)
      }
    }
  }

  @Test func useOfTheBufferIsNoDamage() {
    withEveryBuffer { memory, buffer, _ in
      #expect(memory.canaryDamage(of: buffer) == nil)
      buffer.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: buffer.byteCount)
      #expect(memory.canaryDamage(of: buffer) == nil)
    }
  }

  @Test(arguments: [1, -1, 2, -2, 5, -5, 64, -64])
  func strayWritesAreFoundWhereTheyAre(distance: Int) {
    withEveryBuffer { memory, buffer, placement in
      #expect(
        distanceFound(afterWriteAt: distance, of: buffer, in: memory) == distance,
        "\(buffer.byteCount) bytes, \(placement)")
    }
  }

  @Test func theNearerDamageCounts() {
    let memory = GuardedMemory()
    let buffer = memory.buffer(byteCount: 10, placement: .afterGuard(offset: 100))
    for (offset, nearest) in [(10 + 49, 50), (-20, -20), (10 + 4, 5), (-3, -3), (10, 1)] {
      (buffer.pointer + offset).storeBytes(of: 0, as: UInt8.self)
      #expect(memory.canaryDamage(of: buffer) == nearest)
    }
  }

  @Test func damageIsSoughtWithinReach() {
    let memory = GuardedMemory()
    let reach = GuardedMemory.canaryReach
    let big = 4 * GuardedMemory.pageSize
    let buffer = memory.buffer(byteCount: big, placement: .afterGuard(offset: 2 * big))
    (buffer.pointer - reach - 1).storeBytes(of: 0, as: UInt8.self)
    #expect(memory.canaryDamage(of: buffer) == nil)
    (buffer.pointer - reach).storeBytes(of: 0, as: UInt8.self)
    #expect(memory.canaryDamage(of: buffer) == -reach)
  }

  @Test func damageDoesNotOutliveReset() {
    let memory = GuardedMemory()
    for placement in Self.placements + Self.placements.reversed() {
      memory.reset()
      let buffer = memory.buffer(byteCount: 100, placement: placement)
      #expect(memory.canaryDamage(of: buffer) == nil)
      for offset in -32..<132 {
        let byte = buffer.pointer + offset
        _ = GuardedCall.run(timeout: Self.patience) { byte.storeBytes(of: 0, as: UInt8.self) }
      }
      #expect(memory.canaryDamage(of: buffer) != nil)
    }
  }

  @Test func memoryIsReused() {
    let memory = GuardedMemory()
    var pages: Set<UInt> = []
    for _ in 0..<1000 {
      memory.reset()
      for size in [0, 100, 4000] {
        let buffer = memory.buffer(byteCount: size, placement: .afterGuard(offset: 0))
        pages.insert(UInt(bitPattern: buffer.pointer))
      }
    }
    #expect(pages.count == 3)
  }

  @Test func readsBeyondTheEndsFault() {
    let memory = GuardedMemory()
    for size in Self.sizes {
      let last = memory.buffer(byteCount: size, placement: .beforeGuard(slack: 0))
      let first = memory.buffer(byteCount: size, placement: .afterGuard(offset: 0))
      let sink = memory.buffer(byteCount: 1, placement: .beforeGuard(slack: 0))
      for (byte, buffer, distance) in [
        (last.pointer + size, last.index, 1), (first.pointer - 1, first.index, -1),
      ] {
        let result = GuardedCall.run(timeout: Self.patience) {
          sink.pointer.copyMemory(from: byte, byteCount: 1)
        }
        #expect(result == .crashed(signal: "SIGSEGV", address: UInt(bitPattern: byte)))
        let found = memory.distance(of: UInt(bitPattern: byte))
        #expect(found?.buffer == buffer && found?.distance == distance)
      }
    }
  }

  @Test func addressesAreAttributed() {
    let memory = GuardedMemory()
    let buffers = [7, 0, 5000].map {
      memory.buffer(byteCount: $0, placement: .beforeGuard(slack: 8))
    }
    for buffer in buffers {
      let start = UInt(bitPattern: buffer.pointer)
      for (address, distance) in [
        (start - 1, -1), (start + UInt(buffer.byteCount), 1),
        (start + UInt(buffer.byteCount) + 4096, 4097),
      ] {
        let found = memory.distance(of: address)
        #expect(found?.buffer == buffer.index && found?.distance == distance)
      }
    }
    #expect(memory.distance(of: UInt(bitPattern: buffers[2].pointer + 17))?.distance == 0)
    #expect(memory.distance(of: 0) == nil)
    #expect(memory.distance(of: .max) == nil)
  }

  @Test func staleBuffersAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let memory = GuardedMemory()
      let buffer = memory.buffer(byteCount: 1, placement: .beforeGuard(slack: 0))
      memory.reset()
      _ = memory.canaryDamage(of: buffer)
    }
  }
}
