#include "tracks/assignment.h"

#include <algorithm>
#include <limits>

namespace eventlens {

// The Hungarian method with potentials, one shortest augmenting path for each row. Every row has a column of
// its own besides, worth nothing, which it takes when no other is left or worth more.
std::vector<int> assign(const Worth& worth) {
    const std::size_t rows = worth.rows();
    const std::size_t real = worth.columns();
    const std::size_t columns = real + rows;
    constexpr std::size_t none = 0;  // rows and columns count from 1 below

    const auto cost = [&](std::size_t row, std::size_t column) {
        return column <= real ? -std::max(0.0, worth.at(row - 1, column - 1)) : 0.0;
    };
    std::vector<double> row_potential(rows + 1);
    std::vector<double> column_potential(columns + 1);
    std::vector<std::size_t> row_of(columns + 1, none);
    std::vector<std::size_t> before(columns + 1, none);
    for (std::size_t row = 1; row <= rows; ++row) {
        std::vector<double> distance(columns + 1, std::numeric_limits<double>::infinity());
        std::vector<char> done(columns + 1, 0);
        std::size_t column = none;
        row_of[none] = row;
        do {
            done[column] = 1;
            double least = std::numeric_limits<double>::infinity();
            std::size_t nearest = none;
            for (std::size_t next = 1; next <= columns; ++next) {
                if (done[next]) continue;
                const double reduced =
                    cost(row_of[column], next) - row_potential[row_of[column]] - column_potential[next];
                if (reduced < distance[next]) {
                    distance[next] = reduced;
                    before[next] = column;
                }
                if (distance[next] < least) {
                    least = distance[next];
                    nearest = next;
                }
            }
            for (std::size_t c = 0; c <= columns; ++c) {
                if (done[c]) {
                    row_potential[row_of[c]] += least;
                    column_potential[c] -= least;
                } else {
                    distance[c] -= least;
                }
            }
            column = nearest;
        } while (row_of[column] != none);
        for (; column != none; column = before[column]) row_of[column] = row_of[before[column]];
    }

    std::vector<int> column_of(rows, -1);
    for (std::size_t column = 1; column <= real; ++column) {
        const std::size_t row = row_of[column];
        if (row != none && worth.at(row - 1, column - 1) > 0) {
            column_of[row - 1] = static_cast<int>(column - 1);
        }
    }
    return column_of;
}

}  // namespace eventlens
