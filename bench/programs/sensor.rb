class SensorINDEX < Device
  include Comparable
  attr_reader :name, :readings
  LIMITS = { low: -INDEX.5, high: INDEX.5 }.freeze

  def initialize(name:, readings: [], **options, &block)
    @name = "#{name}-INDEX"
    @readings = readings.map { |value| value.to_f * INDEX }
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

