import type { Theme } from '@/core/url';

/** Colours of the map in one theme. */
export interface Palette {
  sea: string;
  land: string;
  coast: string;
  residential: string;
  industrial: string;
  farmland: string;
  green: string;
  water: string;
  waterName: string;
  road: string;
  motorway: string;
  rail: string;
  building: string;
  /** Boundaries of towns, villages and grids. */
  border: string;
  selected: string;
  dim: string;
  dimOpacity: number;
  label: string;
  labelMute: string;
  halo: string;
  hatch: string;
  /** Low → high: blue, sand, red. Colour-blind eyes tell any two classes apart over the land (a test measures it). */
  ramp: readonly string[];
  rampOpacity: number;
  markEdge: string;
}

export const palettes: Readonly<Record<Theme, Palette>> = {
  dark: {
    sea: '#070f1a',
    land: '#111f31',
    coast: '#4f7da3',
    residential: '#16273c',
    industrial: '#1a2740',
    farmland: '#13282f',
    green: '#14352f',
    water: '#0a1b2e',
    waterName: '#6f9cc4',
    road: '#3d5673',
    motorway: '#6b84a3',
    rail: '#5f7288',
    building: '#22364f',
    border: '#08111d',
    selected: '#eaf4ff',
    dim: '#060d17',
    dimOpacity: 0.6,
    label: '#f1f6fc',
    labelMute: '#b9c8da',
    halo: '#08111d',
    hatch: '#c5d3e3',
    ramp: ['#173a63', '#225a94', '#4f86b3', '#a9a893', '#d0ac63', '#cf7a3c', '#b8362c'],
    rampOpacity: 0.72,
    markEdge: '#08111d',
  },
  light: {
    sea: '#cfe0ec',
    land: '#f6f4ef',
    coast: '#7d9db5',
    residential: '#efece4',
    industrial: '#e9e7ee',
    farmland: '#eef1df',
    green: '#d3e6cd',
    water: '#bcd6e8',
    waterName: '#2f648a',
    road: '#ffffff',
    motorway: '#e8bf7d',
    rail: '#9aa3ad',
    building: '#ddd8cc',
    border: '#ffffff',
    selected: '#0b2a45',
    dim: '#eef1f4',
    dimOpacity: 0.65,
    label: '#122235',
    labelMute: '#3d4f63',
    halo: '#ffffff',
    hatch: '#5d7084',
    ramp: ['#3d7fb8', '#7fb0d2', '#bfd6e2', '#efe5c6', '#e8b873', '#db8350', '#b5352b'],
    rampOpacity: 0.8,
    markEdge: '#ffffff',
  },
};
