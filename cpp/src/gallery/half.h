#pragma once

#include <bit>
#include <cstdint>

// IEEE 754 binary16, "fp16": 1 sign, 5 exponent and 10 fraction bits.
namespace eventlens {

using Half = std::uint16_t;

// To the nearest, ties to even; overflow gives infinity and NaN stays NaN, as the F16C instructions do.
constexpr Half half_from_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits >> 16 & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    if (magnitude > 0x7F800000U) return static_cast<Half>(sign | 0x7E00U | (magnitude >> 13 & 0x1FFU));
    if (magnitude >= 0x47800000U) return static_cast<Half>(sign | 0x7C00U);  // 65536 and above
    std::uint32_t shift = 13;
    std::uint32_t fraction = magnitude - (112U << 23);  // the exponent's bias is 15 instead of 127
    if (magnitude < 0x38800000U) {                      // below 2^-14: no implicit leading bit
        if (magnitude < 0x33000000U) return static_cast<Half>(sign);  // below 2^-25
        shift = 126 - (magnitude >> 23);
        fraction = (magnitude & 0x7FFFFFU) | 0x800000U;
    }
    const std::uint32_t half_unit = 1U << (shift - 1);
    const std::uint32_t odd = fraction >> shift & 1U;
    return static_cast<Half>(sign | (fraction + half_unit - 1 + odd) >> shift);
}

// Exact. Only for finite values: infinity and NaN come out as ordinary numbers.
constexpr float float_from_finite_half(Half half) {
    const std::uint32_t magnitude = (half & 0x7FFFU) << 13;
    const float scaled =
        std::bit_cast<float>(magnitude) * 0x1p112F;  // moves the bias; right for subnormals too
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | (half & 0x8000U) << 16);
}

}  // namespace eventlens
