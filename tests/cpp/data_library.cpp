#include "data_library.h"

float data_library_weights[6] = {1, -2, 3.5F, 0, 5e-8F, -6};
static float hidden_biases[2] = {7, 8};  // pointed to without a symbol

DataLayer data_library_table[2] = {
    {2, 3, false, true, false, data_library_weights, hidden_biases},
    {3, 3, true, false, true, data_library_weights + 3, hidden_biases + 1},
};
