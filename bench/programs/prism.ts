// @ruby/prism: Ruby's parser, compiled from C, with 45 WASI imports that parsing does not use.
import { allocate, fromPackage, type Program, place } from './program';

const ALLOCATOR = 'malloc';
/** What parsePrism.js packs when no option is given: all zero but the first line's number. */
const OPTIONS = Uint8Array.from({ length: 23 }, (_, index) => (index === 4 ? 1 : 0));

export const PRISM: Program = fromPackage('ruby parse', '@ruby/prism/src/prism.wasm', (guest) => {
  const text = Buffer.from(Array.from({ length: 60 }, (_, index) => sensor(index)).join(''));
  const source = place(guest, ALLOCATOR, text);
  const options = place(guest, ALLOCATOR, OPTIONS);
  const buffer = allocate(guest, ALLOCATOR, guest.call('pm_buffer_sizeof'));
  return () => {
    guest.call('pm_buffer_init', buffer);
    guest.call('pm_serialize_parse', buffer, source, text.length, options);
    const length = guest.call('pm_buffer_length', buffer);
    if (length < text.length / 4) throw new Error(`a tree of ${length} bytes for ${text.length} bytes of source`);
    const tree = guest.read(guest.call('pm_buffer_value', buffer), length);
    guest.call('pm_buffer_free', buffer);
    return tree;
  };
});

/** A class with what Ruby's grammar has: blocks, strings with expressions, keyword arguments, patterns, rescue. */
function sensor(index: number): string {
  return `class Sensor${index} < Device
  include Comparable
  attr_reader :name, :readings
  LIMITS = { low: -${index}.5, high: ${index}.5 }.freeze

  def initialize(name:, readings: [], **options, &block)
    @name = "#{name}-${index}"
    @readings = readings.map { |value| value.to_f * ${index} }
    options.each_pair { |key, value| instance_variable_set("@#{key}", value) }
    block&.call(self)
  end

  def summary
    return "none" if @readings.empty?
    mean = @readings.sum / @readings.size
    case mean
    in Float => value if value > LIMITS[:high] then "high #{'%.2f' % value}"
    in Float => value unless value >= LIMITS[:low] then "low"
    else "normal"
    end
  rescue ZeroDivisionError => error
    warn(error.message)
    nil
  ensure
    @seen = true
  end

  def <=>(other) = name <=> other.name
end

`;
}
