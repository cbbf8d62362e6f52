#pragma once

#include "../../kernels/table.h"
