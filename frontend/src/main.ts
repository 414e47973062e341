import './ui/tokens.css';
import { createApp } from 'vue';
import CommandFace from './faces/command/CommandFace.vue';

createApp(CommandFace).mount('#app');
