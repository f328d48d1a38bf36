// Sun and four planets, n steps of a day: double arithmetic with square roots and divisions.
#include "kernel.h"
#define BODIES 5
typedef struct { double x, y, z, vx, vy, vz, mass; } Body;
static const Body START[BODIES] = {
    {0, 0, 0, 0, 0, 0, 39.47841760435743},
    {4.841431442464721, -1.16032004402742839, -0.10362204447112311, 0.60632639299583202, 2.81198684491626019, -0.02521836165988763, 0.03769367487038949},
    {8.34336671824457987, 4.12479856412430479, -0.40352341711432138, -1.01077434617879005, 1.82566237123041186, 0.00841576137658415, 0.01128632613196877},
    {12.8943695621391310, -15.1111514016986312, -0.22330757889265573, 1.08279100644153536, 0.86871301816960822, -0.01083263740136364, 0.00172372405705971},
    {15.3796971148509165, -25.9193146099879641, 0.17925877295037118, 0.97909073224389798, 0.59469899864767617, -0.03475595550781040, 0.00203368686992463}};
static Body bodies[BODIES];

static NOINLINE void step(double dt) {
  for (int i = 0; i < BODIES; i++) {
    Body *p = bodies + i;
    ROLLED
    for (int j = i + 1; j < BODIES; j++) {
      Body *q = bodies + j;
      double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
      double squared = dx * dx + dy * dy + dz * dz;
      double pull = dt / (squared * __builtin_sqrt(squared));
      p->vx -= dx * q->mass * pull, p->vy -= dy * q->mass * pull, p->vz -= dz * q->mass * pull;
      q->vx += dx * p->mass * pull, q->vy += dy * p->mass * pull, q->vz += dz * p->mass * pull;
    }
  }
  ROLLED
  for (int i = 0; i < BODIES; i++) {
    Body *p = bodies + i;
    p->x += dt * p->vx, p->y += dt * p->vy, p->z += dt * p->vz;
  }
}

EXPORT i32 run(i32 n) {
  for (int i = 0; i < BODIES; i++) bodies[i] = START[i];
  for (i32 i = 0; i < n; i++) step(0.01);
  return (i32)((bodies[0].x + bodies[1].y) * 1e6);
}
