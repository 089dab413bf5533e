package simulation

// ShrinkBy is Shrink with another way to run a simulation.
var ShrinkBy = shrink
